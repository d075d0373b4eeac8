"""One file for each library; `prepare` makes a training ready: see `shallowcore.bench.training`.

Data lie in the library's own form before the clock starts.  Output layers are linear and losses
take logits where the library has such losses.
"""
