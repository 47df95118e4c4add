"""Figures of the book, a module a subject; each function returns one matplotlib figure."""
