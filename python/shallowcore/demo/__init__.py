"""What ``shallowcore demo`` shows: the packaged digits, and the figures of the lectures.

digits.py trains and times the main job, lectures.py holds the table of lecture rows, and the
lecture_*.py files compute one row a function.  Everything goes through the public interface.
"""
