"""Untrusted sources, decisions, and what a source says to the question"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('decision', sa.JSON(), nullable=False, server_default='{}'))
    with op.batch_alter_table('answer_sources', schema=None) as batch_op:
        batch_op.add_column(sa.Column('excerpt', sa.Text(), nullable=False, server_default=''))
    with op.batch_alter_table('sources', schema=None) as batch_op:
        batch_op.add_column(sa.Column('trusted', sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table('documents', schema=None) as batch_op:
        batch_op.add_column(sa.Column('trusted', sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    for table, column in (
        ('documents', 'trusted'), ('sources', 'trusted'), ('answer_sources', 'excerpt'), ('answers', 'decision'),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column(column)
