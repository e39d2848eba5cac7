"""The community's scores: pure functions of plain records, without a model, a tensor library or a file.

Each follows the evaluation that its benchmark's published figures come from; where it does not, it says so. Scores are
parts of 1 unless a name says otherwise, and None where there is nothing to measure.
"""
