"""Where networks come from, one file per origin, each with an `ORIGIN` object (`origin.Origin`).

`registry` names the origin of each kind of model: `aliases` (also those of plugins), `from_torchvision`, `from_timm`,
`from_mmpretrain`, `from_user_code`. `registered` tells what mmengine may build without consent.
"""
