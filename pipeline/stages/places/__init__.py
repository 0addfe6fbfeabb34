"""places: what lies where is brought to what the settings in force want, place by place.

    changes    compare the places that are known with those that the settings name (pure)
    take_up    make the settings the ones in force: places are left, taken over and added, in one transaction
    fill       give a place the articles that it lacks, a page at a time
    empty      remove what lies at a place that its channel has left, once an operator has said so
    reconcile  read places back, and compare what is there with what the ledger says

A channel's id is a name; a place is where its copies are. A place that no channel has any longer is an orphan: it is
still corrected and withdrawn from, with the settings that it had last, until it is emptied or given up.
"""
