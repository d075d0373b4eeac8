"""The NumPy oracle: every formula of the project written once more, for reading.

Nothing here imports shallowcore.  One short function per formula; arrays keep the dtype they come
in (float32 or float64), samples are rows, kernels are (n_in, n_out).  The tests compare the C++
core with these functions, and these functions with closed forms, finite differences and printed
figures.
"""
