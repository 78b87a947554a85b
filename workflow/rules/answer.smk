# One file that says where a machine's RAM is: what that costs, and what would be better.


rule answer_sheet:
    input:
        library=library("answer.py"),
        map=lambda wildcards: local(the_question().file),
        sweep="<resolved>",
        memmap=lambda wildcards: tables(sweep_of(wildcards)),
    output:
        text="<answer>.txt",
        markdown="<answer>.md",
        csv="<answer>.csv",
        choices="<answer>.choices.csv",
        changes="<answer>.changes.csv",
    log:
        "<logs>/answer.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        kernel=lambda wildcards: the_question().kernel,
        reason=lambda wildcards: the_question().reason,
        memory=lambda wildcards: memory_values(the_question().memory),
    message:
        "{wildcards.sweep}: the answer"
    script:
        "../scripts/answer.py"


rule answer:
    input:
        texts=lambda wildcards: [path("<answer>.txt", sweep=the_question().every.name)],
        figures=lambda wildcards: [
            file for sweep in the_question().sweeps for file in figures(sweep)
        ],
    log:
        "<run_logs>/answer.log",
    localrule: True
    conda:
        "../envs/atlas.yaml"
    params:
        files=lambda wildcards, input: [
            *(
                text.removesuffix(".txt") + kind
                for text in input.texts
                for kind in (".txt", ".md", ".csv", ".choices.csv", ".changes.csv")
            ),
            *(file for file in input.figures if file.endswith((".svg", ".pdf", ".png"))),
        ],
    message:
        "the answer"
    script:
        "../scripts/print_texts.py"
