# Whose device trees are counted.

from memmap_atlas.map_files import refuse_names

# Linux 6.12, and what is nearest to the release of config/boards.tsv
CENSUS_SUITES = ["trixie", "sid"]


def census_trees(wildcards):
    """The folder of device trees that a census counts, and where it is from."""
    if wildcards.trees != "given":
        folder = f"results/census/{wildcards.trees}"
        return {"trees": f"{folder}/trees", "package": f"{folder}/package.txt"}
    if "trees" not in config:
        sys.exit("Error: no folder of device trees is given: --config trees=path/to/folder")
    if not Path(config["trees"]).is_dir():
        sys.exit(f"Error in the configuration: trees: no folder {config['trees']!r}")
    try:
        refuse_names([config["trees"]], "config", ("trees",))
    except ConfigError as error:
        sys.exit(f"Error: {error}")
    return {"trees": config["trees"]}


def census_texts(wildcards):
    """The censuses that are asked for."""
    every = ["given"] if "trees" in config else CENSUS_SUITES
    return [f"results/census/{trees}/census.txt" for trees in every]
