"""The smallest file per kind of fault that real exports showed, generated; all values are invented. Each text is a table of its own name."""

from __future__ import annotations

import io

import xlsxwriter

FLAGGED = "customer_id,join_date,plan,churned\n" + "".join(f"K{n},2023-01-{n % 28 + 1:02d},A,{int(n % 3 == 0)}\n" for n in range(60))
TICKETS = "customer_id,complaint_date,category\n" + "".join(f"K{n},2024-0{n % 9 + 1}-11,{'AB'[n % 2]}\n" for n in range(0, 60, 4))
ENDED = "customer_id,start_date,end_date,revenue\n" + "".join(
    f"K{n},2023-01-{n % 28 + 1:02d},{'2024-05-02' if n % 3 == 0 else ''},{n}\n" for n in range(60)
)
SHEET = "Member ID,Tenure months,Status,Complained\n" + "".join(
    f"{n},{n},{['Active', 'Cancelled', 'Paused', 'Trial'][n % 4]},{'YN'[n % 2]}\n" for n in range(60)
)
USERS = "id,created_at,active,organization_id\n" + "".join(
    f"{4000 + n},2023-01-{n % 28 + 1:02d} 10:00:00,{'FALSE' if n % 7 == 0 else 'TRUE'},{37 if n % 4 == 0 else ''}\n" for n in range(60)
)
USER_TICKETS = "id,created_at,requester_id,organization_id,type\n" + "".join(
    f"{1500 + n},2024-0{n % 9 + 1}-11 09:00:00,{4000 + n % 50},,{'problem' if n % 2 else 'incident'}\n" for n in range(80)
)
LOG = "File number,Filed date,Company,Issue\n" + "".join(f"F{n},2024-0{n % 9 + 1}-11,Bank {n % 3},{'AB'[n % 2]}\n" for n in range(60))


def volumes(total: str) -> str:
    """Three months of two categories and their sum under a name."""
    months = ("2024-01", "2024-02", "2024-03")
    return "month,category,complaints\n" + "".join(f"{month},Billing,10\n{month},Delivery,20\n{month},{total},30\n" for month in months)


def formula_book() -> bytes:
    """A book whose last days are formulas that no spreadsheet has worked out: the library writes 0 in their place."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet("A & B")
    sheet.write_row(0, 0, ["customer_id", "start_date", "end_date"])
    for row in range(1, 30):
        sheet.write_row(row, 0, [f"C{row}", f"2023-01-{row % 28 + 1:02d}"])
        if row % 3 == 0:
            sheet.write_formula(row, 2, f"=B{row + 1}+120")
    book.close()
    return target.getvalue()
