"""One branch of an external transaction, by psycopg:  application.py tpc|sql ACCOUNT PARTICIPANT

TRANSACTION is what the begin answered, BANK where everything is.
"""
import json
import os
import sys

import psycopg

calls, account, participant = sys.argv[1], int(sys.argv[2]), sys.argv[3]
branch = next(b for b in json.loads(os.environ["TRANSACTION"])["branches"]
              if b["participant"] == participant)
conninfo = json.loads(os.environ["BANK"])["databases"][participant]
change = -5 if participant == "bank_a" else 5
work = "update account set balance = balance + %s where id = %s"

if calls == "tpc":
    # The driver's own two-phase calls. What they prepare they would also end, so the connection is
    # let go: it is Assent's to end.
    connection = psycopg.connect(conninfo)
    connection.tpc_begin(branch["gid"])
    with connection.cursor() as cursor:
        assert cursor.execute(work, (change, account)).rowcount == 1
        for statement in branch["prepare"][:-1]:
            cursor.execute(statement)
    connection.tpc_prepare()
    connection.close()
else:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("begin")
        assert connection.execute(work, (change, account)).rowcount == 1
        for statement in branch["prepare"]:
            done = connection.execute(statement)
        assert done.statusmessage == "PREPARE TRANSACTION", done.statusmessage
        # The session goes on, in its own role.
        assert connection.execute("select current_user").fetchone() == ("shop_app",)
