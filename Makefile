# Every target is one line of tools/tasks.py, which needs python3 and nothing else.
PYTHON ?= python3

TASKS := help demo demo-control demo-dashboard demo-difx demo-histogrammer demo-mirror test test-web matrix check bench memory soak fuzz readers docs pictures wheels clean

.PHONY: $(TASKS)
$(TASKS):
	@$(PYTHON) tools/tasks.py $@
