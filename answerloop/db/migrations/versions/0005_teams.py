"""Microsoft Teams: how people and rooms are reached; how documents are marked"""

import sqlalchemy as sa
from alembic import op

from answerloop.db.tables import UtcDateTime

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'places',
        sa.Column('id', sa.String(length=255), primary_key=True),
        sa.Column('channel', sa.String(length=32), nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('data', sa.JSON(), nullable=False),
        sa.Column('seen_at', UtcDateTime(), nullable=False),
        sa.Column('gone_at', UtcDateTime(), nullable=True),
    )
    op.create_index('ix_places_channel', 'places', ['channel'])
    with op.batch_alter_table('documents', schema=None) as batch_op:
        batch_op.add_column(sa.Column('sensitivity', sa.String(length=40), nullable=False, server_default=''))


def downgrade() -> None:
    with op.batch_alter_table('documents', schema=None) as batch_op:
        batch_op.drop_column('sensitivity')
    op.drop_table('places')
