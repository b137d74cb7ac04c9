"""Rules of the canonical form, one file for each kind of operation.

Each file has a table `RULES`. A rule (`builder.Rule`) names the operations that it is tried on, and a function that
returns the node that takes the place of such an operation, or None where the rule does not apply. `canonical.RULES`
puts the tables in order. `heads` has those of attention, `second_form` those of the second form.
"""
