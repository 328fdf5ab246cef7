# Every target is one line of tools/tasks.py, which needs python3 and nothing else.
PYTHON ?= python3

TASKS := help demo demo-histogrammer demo-difx demo-dashboard test test-web matrix check bench soak readers docs pictures wheels clean

.PHONY: $(TASKS)
$(TASKS):
	@$(PYTHON) tools/tasks.py $@
