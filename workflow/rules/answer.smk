# One file that says where a machine's RAM is: what that costs, and what would be better.


rule answer_sheet:
    input:
        unpack(answer_sources),
        library=library("answer.py"),
    output:
        text="results/{sweep}/answer.txt",
        markdown="results/{sweep}/answer.md",
        csv="results/{sweep}/answer.csv",
        choices="results/{sweep}/answer.choices.csv",
        changes="results/{sweep}/answer.changes.csv",
    log:
        "results/{sweep}/logs/answer.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        kernel=lambda wildcards: the_question().kernel,
        reason=lambda wildcards: the_question().reason,
    message:
        "{wildcards.sweep}: the answer"
    script:
        "../scripts/answer.py"


rule answer:
    input:
        unpack(answer_parts),
    log:
        "results/logs/answer.log",
    localrule: True
    conda:
        "../envs/atlas.yaml"
    params:
        files=answer_files,
    message:
        "the answer"
    script:
        "../scripts/print_texts.py"
