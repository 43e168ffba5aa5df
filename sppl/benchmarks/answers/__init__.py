"""Rules that say whether a written answer is right: one file per kind of answer, pure functions over text.

Each file has an extractor (text in, answer or None out) and judges `(row, texts) -> {"accuracy": 0.0 or 1.0}` that
the task YAML files name. No rule raises on any text: what it cannot read is judged wrong. Only a question that is none
(plans) and a machine without a sandbox (code) are the user's to mend, and say so.
"""
