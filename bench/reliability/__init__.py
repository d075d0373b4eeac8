"""What must never fail, tried at length: each module is a program that prints its figures.

`determinism.py`: the same bits for any number of threads, in every process, for a row alone and
among others.  `forks.py`: forked, spawned and threaded work, beside other libraries.  The tests run
short forms of both.
"""
