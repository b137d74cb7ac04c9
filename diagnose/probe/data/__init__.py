"""The images of a probe, read whole or not at all.

`load_images` reads the images that a text names: generated images (`synthetic`), CIFAR-10, a tree or archive of class
folders (`class_folders`) or NumPy's files (`arrays`). `images` defines the value that all of these return.
`image_cache` keeps decoded images in a file.
"""
