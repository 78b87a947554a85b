"""memmap-atlas: what physical memory maps cost in struct page, under every Linux memory model."""


include: "workflow/Snakefile"


# an include leaves the default target as it was before: here none
snakemake_internals.default_to(workflow, rules.all)
