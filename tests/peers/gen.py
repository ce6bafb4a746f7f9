#!/usr/bin/env python3
"""gen.py KIND N OUT PGURL FOLDER [FLOWS]: writes FOLDER/manifest.toml for hub. KIND: file, pg, inc, many."""
import os, sys
kind, n, out, pg, folder = sys.argv[1:6]
flows = int(sys.argv[6]) if len(sys.argv) > 6 else 1
here = os.path.dirname(os.path.abspath(__file__))
inc = """    incremental_sync:
      type: DatetimeBasedCursor
      cursor_field: updated_at
      cursor_datetime_formats: ["%Y-%m-%dT%H:%M:%SZ"]
      datetime_format: "%Y-%m-%dT%H:%M:%SZ"
      start_datetime: {type: MinMaxDatetime, datetime: "2020-01-01T00:00:00Z", datetime_format: "%Y-%m-%dT%H:%M:%SZ"}
      start_time_option: {type: RequestOption, inject_into: request_parameter, field_name: updated_since}"""
os.makedirs(folder, exist_ok=True)
text = open(here + '/orders.yaml').read()
text = text.replace('INCREMENTAL\n', inc + '\n' if kind == 'inc' else '')
open(folder + '/orders.yaml', 'w').write(text)
open(folder + '/password', 'w').write('bench\n')
open(folder + '/key', 'w').write('bench-key-0123456789abcdef012345\n')
os.chmod(folder + '/password', 0o600); os.chmod(folder + '/key', 0o600)
FIELDS = ["id", "order_no", "customer_id", "first_name", "last_name", "email", "phone", "iban", "amount", "currency", "status", "address", "notes", "created_at", "updated_at"]
m = f'''manifest = 1
operator = {{ name = "Bench", contact = "bench@example.org" }}
[purpose.care]
use = "essential.service"
basis = {{ art6 = "b", contract = "purchase" }}
allows = ["user", "system"]
[retention.customer]
kind = "limit"
period = "P3Y"
[system.shop]
connector = "orders.yaml"
config = {{ base_url = "http://127.0.0.1:18080", n = "{n}" }}
hosts = ["http://127.0.0.1:18080"]
collected_for = ["care"]
[stream.shop.orders]
primary_key = ["id"]
identity = {{ customer = {{ field = "customer_id", strength = "strong" }} }}
subjects = ["customer"]
retention = ["customer"]
[stream.shop.orders.fields]
id = "system.operations"
order_no = "system.operations"
customer_id = "user.unique_id"
first_name = "user.name"
last_name = "user.name"
email = "user.contact.email"
phone = "user.contact.phone_number"
iban = "user.financial.bank_account"
amount = "user.financial"
currency = "system.operations"
status = "system.operations"
"address.street" = "user.contact.address.street"
"address.zip" = "user.contact.address.postal_code"
"address.city" = "user.contact.address.city"
"address.country" = "user.contact.address.country"
notes = "user.content"
created_at = "system.operations"
updated_at = "system.operations"
'''
if kind == 'pg':
    m += f'''[system.shelf]
connector = "builtin:sql"
dsr = {{ erase = "manual", procedure = "DSR-1" }}
[system.shelf.databases.main]
url = "postgres://bench@127.0.0.1:18432/bench"
password = {{ file = "password" }}
tables = {{ "public.hub_orders" = ["insert", "update", "select"] }}
'''
    to, mode = 'shelf.hub_orders', 'upsert'
else:
    base, name = os.path.split(out)
    m += f'''[system.shelf]
connector = "builtin:file"
config = {{ folder = "out" }}
folders = {{ out = {{ path = "{base}", access = "write" }} }}
dsr = {{ erase = "manual", procedure = "DSR-1" }}
'''
    to, mode = 'shelf.' + name.rsplit('.', 1)[0], 'append' if kind == 'inc' else 'replace'
fields = ', '.join(f'"{f}"' for f in FIELDS)
for i in range(flows):
    m += f'''[flow.orders{i}]
from = "shop.orders"
to = "{to}{i if flows > 1 else ''}"
purpose = "care"
retention = ["customer"]
mode = "{mode}"
fields = [{fields}]
'''
open(folder + '/manifest.toml', 'w').write(m)
