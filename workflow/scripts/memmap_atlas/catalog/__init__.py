"""Kernels, machines, boards and boots that ship with the atlas."""
