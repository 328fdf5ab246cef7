# Every target is one line of tools/tasks.py, which needs python3 and nothing else.
PYTHON ?= python3

TASKS := help demo demo-control demo-histogrammer demo-mirror demo-difx test matrix check bench memory soak fuzz readers docs wheels clean

.PHONY: $(TASKS)
$(TASKS):
	@$(PYTHON) tools/tasks.py $@
