"""The lab: real kernels booted on any memory map, and what they say they allocated.

From a lab file to boots (``lab_file``, ``plan``), to images (``debian``, ``build``), to machines
(``boards``), to a log (``run``), to an observation (``boot_log``, ``observations``), to residuals.
"""
