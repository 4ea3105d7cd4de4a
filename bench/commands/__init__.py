"""The commands of `python -m bench`: a file or a folder for each."""
