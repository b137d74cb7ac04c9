"""Alignment: which operation of A is which operation of B; names are ignored.

1. `captures` captures both networks in one mode and brings them into canonical form; `outputs` pairs their results.
2. `align` compares their digests; where they differ, it tries several `strategies` and keeps the one with the fewest
   edits. `sequence` aligns the trunk of both graphs, `matching` what lies inside a segment.
3. `shift_runs` moves added and removed runs to the borders of modules.
4. `regions` lists the matched operations that are not alike, with the part of each graph that they stand for.
"""
