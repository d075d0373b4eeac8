"""What `bench.reliability.fuzz` is made of: values, calls of the public interface, damaged files.

Everything is drawn from one `random.Random`, so a seed and a number name a scenario, and Hypothesis
or atheris can stand behind the same generators.
"""
