"""What may leave the house, and what answers cost"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('cost', sa.Double(), nullable=False, server_default='0'))
    with op.batch_alter_table('sources', schema=None) as batch_op:
        batch_op.add_column(sa.Column('may_leave', sa.Boolean(), nullable=True))
    with op.batch_alter_table('documents', schema=None) as batch_op:
        batch_op.add_column(sa.Column('may_leave', sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    for table, column in (('documents', 'may_leave'), ('sources', 'may_leave'), ('answers', 'cost')):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column(column)
