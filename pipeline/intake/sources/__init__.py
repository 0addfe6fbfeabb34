"""The forms that articles come in: one module or package for each, found by being there (`SOURCE`)."""
