"""From a text to a pipeline that can be run: one file for each library, and one table of transforms for each kind."""
