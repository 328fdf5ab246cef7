"""Dashboard: a web page of the whole array. A client of Players like any other: it only asks and
subscribes."""
