# What an answer is written from.


def the_question():
    """What is asked about; a clear word where no file is given."""
    if QUESTION is None:
        sys.exit(
            "Error: the answer is for a file: "
            "snakemake --cores 1 answer --config file=path/to/board.dtb"
        )
    return QUESTION


def answer_sources(wildcards):
    """The file, and the tables of its sweep."""
    question = the_question()
    return {
        "map": question.file,
        "sweep": f"results/{question.every.name}/sweep.resolved.yaml",
        "memmap": tables(question.every),
    }


def answer_parts(wildcards):
    """All that an answer has: what is said, and its figures."""
    question = the_question()
    pictures = [figure for sweep in (question.every, question.alone) for figure in figures(sweep)]
    return {"texts": [f"results/{question.every.name}/answer.txt"], "figures": pictures}


def answer_files(wildcards, input):
    """What to look at."""
    kinds = (".txt", ".md", ".csv", ".choices.csv", ".changes.csv")
    said = [text.removesuffix(".txt") + kind for text in input.texts for kind in kinds]
    return [
        *said,
        *(figure for figure in input.figures if figure.endswith((".svg", ".pdf", ".png"))),
    ]
