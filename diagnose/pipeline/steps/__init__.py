"""Two pipelines step by step: traced on an image, aligned, compared on the same picture, and judged."""
