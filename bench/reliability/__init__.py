"""What must never fail, tried at length: each module is a program that prints its figures.

`determinism` the same bits for any number of threads, in every process, for a row alone and among
others; `forks` forked, spawned and threaded work, beside other libraries; `interruption` Ctrl-C and
exceptions at random moments; `saving` kills in the middle of a save; `memory` thousands of fits in
one process; `soak` everything at once, for minutes; `fuzz` bad input, `fuzz_files` bad files.  The
tests run short forms of them.
"""
