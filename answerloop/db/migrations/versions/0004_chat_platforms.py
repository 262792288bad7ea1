"""Chat platforms: rooms, notices, escalations, installations, and messages whose outcome is unknown"""

import sqlalchemy as sa
from alembic import op

from answerloop.db.tables import UtcDateTime

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('questions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('room', sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column('sources', sa.JSON(), nullable=False, server_default='[]'))
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('hint', sa.Text(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('retracted_at', UtcDateTime(), nullable=True))
    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.add_column(sa.Column('posting_at', UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column('failure', sa.Text(), nullable=True))
        batch_op.drop_column('placeholder_id')
        batch_op.create_index('ix_deliveries_message_id', ['message_id'])
    with op.batch_alter_table('feedback', schema=None) as batch_op:
        batch_op.alter_column('thumb', existing_type=sa.String(length=8), nullable=True)
    op.create_table(
        'notices',
        sa.Column('id', sa.String(length=32), primary_key=True),
        sa.Column('key', sa.String(length=255), nullable=False, unique=True),
        sa.Column('kind', sa.String(length=32), nullable=False),
        sa.Column('channel', sa.String(length=32), nullable=False),
        sa.Column('address', sa.JSON(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('people', sa.JSON(), nullable=False),
        sa.Column('room', sa.String(length=255), nullable=True),
        sa.Column('question_id', sa.String(length=32), sa.ForeignKey('questions.id'), nullable=True),
        sa.Column('message_id', sa.String(length=255), nullable=True),
        sa.Column('posting_at', UtcDateTime(), nullable=True),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('due_at', UtcDateTime(), nullable=True),
        sa.Column('delivered_at', UtcDateTime(), nullable=True),
        sa.Column('failure', sa.Text(), nullable=True),
        sa.Column('created_at', UtcDateTime(), nullable=False),
    )
    op.create_index('ix_notices_question_id', 'notices', ['question_id'])
    op.create_index('ix_notices_message_id', 'notices', ['message_id'])
    op.create_index('ix_notices_due_at', 'notices', ['due_at'])
    op.create_table(
        'escalations',
        sa.Column('question_id', sa.String(length=32), sa.ForeignKey('questions.id'), primary_key=True),
        sa.Column('asked_by', sa.String(length=255), nullable=False),
        sa.Column('asked_at', UtcDateTime(), nullable=False),
        sa.Column('resolved_by', sa.String(length=255), nullable=True),
        sa.Column('resolved_at', UtcDateTime(), nullable=True),
    )
    op.create_table(
        'rooms',
        sa.Column('room', sa.String(length=255), primary_key=True),
        sa.Column('settings', sa.JSON(), nullable=False),
        sa.Column('updated_by', sa.String(length=255), nullable=False),
        sa.Column('updated_at', UtcDateTime(), nullable=False),
    )
    op.create_table(
        'installations',
        sa.Column('workspace', sa.String(length=255), primary_key=True),
        sa.Column('channel', sa.String(length=32), nullable=False),
        sa.Column('bot_user', sa.String(length=64), nullable=False),
        sa.Column('details', sa.JSON(), nullable=False),
        sa.Column('secret', sa.LargeBinary(), nullable=False),
        sa.Column('expires_at', UtcDateTime(), nullable=True),
        sa.Column('lease_until', UtcDateTime(), nullable=True),
        sa.Column('installed_by', sa.String(length=255), nullable=False),
        sa.Column('updated_at', UtcDateTime(), nullable=False),
    )
    op.create_table(
        'sign_in_states',
        sa.Column('state', sa.String(length=64), primary_key=True),
        sa.Column('created_at', UtcDateTime(), nullable=False),
    )


def downgrade() -> None:
    for table in ('sign_in_states', 'installations', 'rooms', 'escalations', 'notices'):
        op.drop_table(table)
    op.execute("DELETE FROM feedback WHERE thumb IS NULL")
    with op.batch_alter_table('feedback', schema=None) as batch_op:
        batch_op.alter_column('thumb', existing_type=sa.String(length=8), nullable=False)
    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.add_column(sa.Column('placeholder_id', sa.String(length=255), nullable=True))
        batch_op.drop_index('ix_deliveries_message_id')
        batch_op.drop_column('failure')
        batch_op.drop_column('posting_at')
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.drop_column('retracted_at')
        batch_op.drop_column('hint')
    with op.batch_alter_table('questions', schema=None) as batch_op:
        batch_op.drop_column('sources')
        batch_op.drop_column('room')
