"""The workflow's view of results/: paths, inputs of rules, verification and the run lock."""
