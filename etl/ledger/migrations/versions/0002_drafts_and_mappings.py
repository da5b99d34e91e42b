"""What a clerk has begun and not sent, and which column is which in a unit's own layout."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from etl.ledger.schema import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "draft",
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.file_id"], name=op.f("fk_draft_file_id_stored_file")
        ),
        sa.PrimaryKeyConstraint("draft_id", name=op.f("pk_draft")),
        sa.UniqueConstraint("unit_code", "month", name=op.f("uq_draft_unit_code_month")),
    )
    op.create_table(
        "column_mapping",
        sa.Column("mapping_id", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("header_sha256", sa.Text(), nullable=False),
        sa.Column("header", sa.JSON(), nullable=False),
        sa.Column("mapping_text", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("mapping_id", name=op.f("pk_column_mapping")),
        sa.UniqueConstraint(
            "unit_code", "header_sha256", name=op.f("uq_column_mapping_unit_code_header_sha256")
        ),
    )
