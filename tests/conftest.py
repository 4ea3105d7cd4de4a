import hypothesis

# The same examples each time where it is checked before a change lands; many and new ones by hand:
# make test ARGS="tests/test_kernels.py -k bound --hypothesis-profile=thorough -rP"
hypothesis.settings.register_profile("default", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("default")
