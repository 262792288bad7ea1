"""What of a question and its answer may leave the house."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("answers") as batch_op:
        batch_op.add_column(sa.Column("masked_question", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("masked_text", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("answers") as batch_op:
        batch_op.drop_column("masked_text")
        batch_op.drop_column("masked_question")
