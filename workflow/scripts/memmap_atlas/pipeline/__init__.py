"""The workflow's view of results/: paths, verification and the run lock."""
