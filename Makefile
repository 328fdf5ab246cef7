# Every target is one line of tools/tasks.py, which needs python3 and nothing else.
PYTHON ?= python3

.PHONY: help demo test matrix check bench soak readers docs wheels clean
help:
	@$(PYTHON) tools/tasks.py help
demo:
	@$(PYTHON) tools/tasks.py demo
test:
	@$(PYTHON) tools/tasks.py test
matrix:
	@$(PYTHON) tools/tasks.py matrix
check:
	@$(PYTHON) tools/tasks.py check
bench:
	@$(PYTHON) tools/tasks.py bench
soak:
	@$(PYTHON) tools/tasks.py soak
readers:
	@$(PYTHON) tools/tasks.py readers
docs:
	@$(PYTHON) tools/tasks.py docs
wheels:
	@$(PYTHON) tools/tasks.py wheels
clean:
	@$(PYTHON) tools/tasks.py clean
