"""Sweep files, and the files of machines that they name, to sweeps."""
