"""Training: nights, adapters, what they learned from, and the frozen questions"""

import sqlalchemy as sa
from alembic import op

from answerloop.db.tables import UtcDateTime

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'training_runs',
        sa.Column('id', sa.String(length=32), primary_key=True),
        sa.Column('state', sa.String(length=16), nullable=False),
        sa.Column('step', sa.String(length=16), nullable=False),
        sa.Column('progress', sa.JSON(), nullable=False),
        sa.Column('dataset', sa.String(length=64), nullable=False),
        sa.Column('dataset_manifest', sa.JSON(), nullable=False),
        sa.Column('test_version', sa.Integer(), nullable=False),
        sa.Column('adapter', sa.String(length=80), nullable=False),
        sa.Column('outcome', sa.String(length=16), nullable=False),
        sa.Column('reasons', sa.JSON(), nullable=False),
        sa.Column('record', sa.JSON(), nullable=False),
        sa.Column('ladder', sa.JSON(), nullable=False),
        sa.Column('decision', sa.JSON(), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('started_at', UtcDateTime(), nullable=False),
        sa.Column('finished_at', UtcDateTime(), nullable=True),
    )
    for column in ('state', 'dataset', 'started_at'):
        op.create_index(f'ix_training_runs_{column}', 'training_runs', [column])
    op.create_table(
        'adapters',
        sa.Column('name', sa.String(length=80), primary_key=True),
        sa.Column('run_id', sa.String(length=32), sa.ForeignKey('training_runs.id'), nullable=False),
        sa.Column('dataset', sa.String(length=64), nullable=False),
        sa.Column('base_model', sa.String(length=255), nullable=False),
        sa.Column('state', sa.String(length=16), nullable=False),
        sa.Column('tainted_at', UtcDateTime(), nullable=True),
        sa.Column('tainted_because', sa.String(length=255), nullable=False),
        sa.Column('watch', sa.JSON(), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('changed_at', UtcDateTime(), nullable=False),
    )
    for column in ('run_id', 'dataset', 'state'):
        op.create_index(f'ix_adapters_{column}', 'adapters', [column])
    op.create_table(
        'dataset_sources',
        sa.Column('dataset', sa.String(length=64), primary_key=True),
        sa.Column('kind', sa.String(length=16), primary_key=True),
        sa.Column('ref', sa.String(length=255), primary_key=True),
    )
    op.create_index('ix_dataset_sources_ref', 'dataset_sources', ['kind', 'ref'])
    op.create_table(
        'test_versions',
        sa.Column('version', sa.Integer(), primary_key=True),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('size', sa.Integer(), nullable=False),
        sa.Column('spent_before', sa.Integer(), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
    )
    op.create_table(
        'test_questions',
        sa.Column('id', sa.String(length=64), primary_key=True),
        sa.Column('tenant', sa.String(length=80), nullable=False),
        sa.Column('family', sa.String(length=64), nullable=False),
        sa.Column('answer_id', sa.String(length=32), nullable=False),
        sa.Column('documents', sa.JSON(), nullable=False),
        sa.Column('row', sa.JSON(), nullable=False),
        sa.Column('since', sa.Integer(), nullable=False),
        sa.Column('until', sa.Integer(), nullable=True),
        sa.Column('removed_because', sa.String(length=255), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
    )
    for column in ('tenant', 'family', 'answer_id'):
        op.create_index(f'ix_test_questions_{column}', 'test_questions', [column])


def downgrade() -> None:
    for table in ('test_questions', 'test_versions', 'dataset_sources', 'adapters', 'training_runs'):
        op.drop_table(table)
