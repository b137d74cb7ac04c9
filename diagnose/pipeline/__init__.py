"""Image preprocessing compared step by step on images: what really reaches the network.

    >>> compare_pipelines("torchvision:ResNet50_Weights.IMAGENET1K_V2", "timm:resnet50.a1_in1k").verdict

1. `sources/` turns a text into a `RunnablePipeline`: the calls of its library, each read into steps of one vocabulary
   where it can be. What cannot be read is a step that says so.
2. `sample_images` draws the images, unless the user names a folder of his own.
3. `steps/` runs both pipelines call by call, aligns their steps, and gives both sides of each pair the same picture: a
   step differs only where it makes something else of the same picture. Random steps are left out, and their stated
   parameters are compared.
4. `faults` says what looks wrong in one pipeline alone, by the values that pass through it.
5. `run` puts this together, and `report` turns it into a `Report`, in the sentences of `phrases`.
"""
