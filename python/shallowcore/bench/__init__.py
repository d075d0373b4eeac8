"""The workloads that speed is judged by, and the short benchmark, `shallowcore bench`.

`workloads.py` is the table of trainings, `data.py` has their data, `numpy_scripts.py` the same
trainings in plain NumPy; `training.py` runs one, `agreement.py` compares results, `report.py`
prints figures, `short.py` is the command.  The long form, with rivals and the oracle of the tests,
is `python -m bench` in a checkout.
"""
