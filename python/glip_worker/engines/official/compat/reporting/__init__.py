"""What runs inside a process that the worker started: it says what the official code does, and ends with the worker.

Off unless the environment names a file for the events. Nothing here imports torch before the official code is wanted.
"""
