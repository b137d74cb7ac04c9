"""The parameter gap: which small sets of edits, under which counting convention, give the reported number."""
