"""The folder that stands first on a watched script's import path; it holds `sitecustomize` and nothing else."""
