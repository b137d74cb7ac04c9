"""A reproduction as data: a case file states claims, each is measured and judged, and a report shows the evidence.

1. `case` reads the file, `keys` checks what it sets, and `locate` finds the line that an error names.
2. `permission` lists what somebody else's case would run or fetch; the user must agree.
3. `run` judges the claims one by one. `claims` names the kinds of claim; `kinds/` has one file for each, of the
   interface in `kind`. `measurements` builds, counts and compares each network once for all claims.
4. `trials/` finds trials that were already trained, and lists the probes that the case asks for.
5. `cache` keeps judgements until something that they depend on changes. `report` makes the `Report`.
"""
