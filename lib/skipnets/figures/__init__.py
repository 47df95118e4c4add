"""Figures of the book, a module a subject: a function a figure, the lines below them, what the pages' scripts read."""
