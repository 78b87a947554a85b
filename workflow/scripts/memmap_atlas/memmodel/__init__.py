"""The arithmetic: regions, kernels, memory models, and what each costs."""
