"""People judge: samples, audits, verdicts, corrections, curated answers and what belongs to them"""

import sqlalchemy as sa
from alembic import op

from answerloop.db.tables import UtcDateTime

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'alarms',
        sa.Column('key', sa.String(length=255), nullable=False),
        sa.Column('kind', sa.String(length=32), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('raised_at', UtcDateTime(), nullable=False),
        sa.Column('seen_at', UtcDateTime(), nullable=False),
        sa.Column('cleared_at', UtcDateTime(), nullable=True),
        sa.Column('cleared_by', sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint('key'),
    )
    op.create_index('ix_alarms_raised_at', 'alarms', ['raised_at'])
    op.create_table(
        'bookmarks',
        sa.Column('name', sa.String(length=64), nullable=False),
        sa.Column('position', sa.Text(), nullable=False),
        sa.Column('details', sa.JSON(), nullable=False),
        sa.Column('lease_until', UtcDateTime(), nullable=True),
        sa.Column('updated_at', UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('name'),
    )
    op.create_table(
        'gap_reports',
        sa.Column('id', sa.String(length=32), nullable=False),
        sa.Column('tenant', sa.String(length=80), nullable=False),
        sa.Column('since', UtcDateTime(), nullable=False),
        sa.Column('until', UtcDateTime(), nullable=False),
        sa.Column('themes', sa.JSON(), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_gap_reports_tenant', 'gap_reports', ['tenant'])
    op.create_table(
        'objectives',
        sa.Column('id', sa.String(length=32), nullable=False),
        sa.Column('tenant', sa.String(length=80), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('topic', sa.String(length=80), nullable=False),
        sa.Column('resolved_share', sa.Double(), nullable=False),
        sa.Column('median_seconds', sa.Double(), nullable=True),
        sa.Column('set_by', sa.String(length=255), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_objectives_tenant', 'objectives', ['tenant'])
    op.create_table(
        'receipts',
        sa.Column('id', sa.String(length=32), nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('subject', sa.String(length=64), nullable=False),
        sa.Column('counts', sa.JSON(), nullable=False),
        sa.Column('unfinished', sa.JSON(), nullable=False),
        sa.Column('asked_by', sa.String(length=255), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('finished_at', UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_receipts_subject', 'receipts', ['subject'])
    op.create_table(
        'reviewers',
        sa.Column('id', sa.String(length=255), nullable=False),
        sa.Column('people', sa.JSON(), nullable=False),
        sa.Column('external_id', sa.String(length=64), nullable=True),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.Column('invited_by', sa.String(length=255), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_reviewers_external_id', 'reviewers', ['external_id'])
    op.create_table(
        'question_vectors',
        sa.Column('question_id', sa.String(length=32), nullable=False),
        sa.Column('embedder', sa.String(length=255), nullable=False),
        sa.Column('vector', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['question_id'], ['questions.id'], ),
        sa.PrimaryKeyConstraint('question_id'),
    )
    op.create_table(
        'audits',
        sa.Column('id', sa.String(length=32), nullable=False),
        sa.Column('answer_id', sa.String(length=32), nullable=False),
        sa.Column('state', sa.String(length=16), nullable=False),
        sa.Column('priority', sa.String(length=16), nullable=False),
        sa.Column('in_house', sa.Boolean(), nullable=False),
        sa.Column('overlap', sa.Integer(), nullable=False),
        sa.Column('project', sa.String(length=64), nullable=True),
        sa.Column('task', sa.String(length=64), nullable=True),
        sa.Column('verdict', sa.String(length=16), nullable=True),
        sa.Column('grounded', sa.String(length=16), nullable=True),
        sa.Column('failure', sa.Text(), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('pushed_at', UtcDateTime(), nullable=True),
        sa.Column('judged_at', UtcDateTime(), nullable=True),
        sa.Column('reopened_at', UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['answer_id'], ['answers.id'], ),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('answer_id'),
        sa.UniqueConstraint('project', 'task'),
    )
    op.create_index('ix_audits_queue', 'audits', ['state', 'priority', 'created_at'])
    op.create_table(
        'corrections',
        sa.Column('id', sa.String(length=32), nullable=False),
        sa.Column('answer_id', sa.String(length=32), nullable=False),
        sa.Column('tenant', sa.String(length=80), nullable=False),
        sa.Column('topic', sa.String(length=80), nullable=False),
        sa.Column('question', sa.Text(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('documents', sa.JSON(), nullable=False),
        sa.Column('missing_document', sa.Text(), nullable=False),
        sa.Column('state', sa.String(length=16), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('withdrawn_because', sa.String(length=16), nullable=False),
        sa.Column('suggested_by', sa.String(length=255), nullable=False),
        sa.Column('suggested_via', sa.String(length=16), nullable=False),
        sa.Column('approved_by', sa.String(length=255), nullable=True),
        sa.Column('approved_via', sa.String(length=16), nullable=False),
        sa.Column('approved_at', UtcDateTime(), nullable=True),
        sa.Column('second_by', sa.String(length=255), nullable=True),
        sa.Column('second_at', UtcDateTime(), nullable=True),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('updated_at', UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['answer_id'], ['answers.id'], ),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_corrections_answer_id', 'corrections', ['answer_id'])
    op.create_index('ix_corrections_state', 'corrections', ['state'])
    op.create_index('ix_corrections_suggested_by', 'corrections', ['suggested_by'])
    op.create_index('ix_corrections_tenant', 'corrections', ['tenant'])
    op.create_table(
        'replaced_answers',
        sa.Column('answer_id', sa.String(length=32), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('outcome', sa.String(length=16), nullable=True),
        sa.Column('confidence', sa.String(length=16), nullable=True),
        sa.Column('decision', sa.JSON(), nullable=False),
        sa.Column('sources', sa.JSON(), nullable=False),
        sa.Column('replaced_at', UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['answer_id'], ['answers.id'], ),
        sa.PrimaryKeyConstraint('answer_id'),
    )
    op.create_table(
        'samples',
        sa.Column('answer_id', sa.String(length=32), nullable=False),
        sa.Column('probability', sa.Double(), nullable=False),
        sa.Column('draw', sa.Double(), nullable=False),
        sa.Column('chosen', sa.Boolean(), nullable=False),
        sa.Column('priority', sa.String(length=16), nullable=False),
        sa.Column('topic', sa.String(length=80), nullable=False),
        sa.Column('stratum', sa.String(length=160), nullable=False),
        sa.Column('wanted', sa.Double(), nullable=False),
        sa.Column('flags', sa.JSON(), nullable=False),
        sa.Column('uncertainty', sa.Double(), nullable=False),
        sa.Column('novelty', sa.Double(), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['answer_id'], ['answers.id'], ),
        sa.PrimaryKeyConstraint('answer_id'),
    )
    op.create_index('ix_samples_chosen', 'samples', ['chosen'])
    op.create_index('ix_samples_created_at', 'samples', ['created_at'])
    op.create_index('ix_samples_topic', 'samples', ['topic'])
    op.create_table(
        'curated_answers',
        sa.Column('correction_id', sa.String(length=32), nullable=False),
        sa.Column('tenant', sa.String(length=80), nullable=False),
        sa.Column('question', sa.Text(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('documents', sa.JSON(), nullable=False),
        sa.Column('embedder', sa.String(length=255), nullable=False),
        sa.Column('vector', sa.LargeBinary(), nullable=True),
        sa.Column('in_force_at', UtcDateTime(), nullable=False),
        sa.Column('expires_at', UtcDateTime(), nullable=False),
        sa.Column('withdrawn_at', UtcDateTime(), nullable=True),
        sa.Column('withdrawn_because', sa.Text(), nullable=False),
        sa.Column('served', sa.Integer(), nullable=False),
        sa.Column('served_at', UtcDateTime(), nullable=True),
        sa.Column('updated_at', UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['correction_id'], ['corrections.id'], ),
        sa.PrimaryKeyConstraint('correction_id'),
    )
    op.create_index('ix_curated_answers_tenant', 'curated_answers', ['tenant'])
    op.create_index('ix_curated_answers_updated_at', 'curated_answers', ['updated_at'])
    op.create_index('ix_curated_answers_withdrawn_at', 'curated_answers', ['withdrawn_at'])
    op.create_table(
        'verdicts',
        sa.Column('id', sa.String(length=32), nullable=False),
        sa.Column('audit_id', sa.String(length=32), nullable=False),
        sa.Column('reviewer', sa.String(length=255), nullable=False),
        sa.Column('origin', sa.String(length=16), nullable=False),
        sa.Column('external_id', sa.String(length=128), nullable=False),
        sa.Column('verdict', sa.String(length=16), nullable=False),
        sa.Column('grounded', sa.String(length=16), nullable=False),
        sa.Column('faults', sa.JSON(), nullable=False),
        sa.Column('correction', sa.Text(), nullable=True),
        sa.Column('edited', sa.Boolean(), nullable=False),
        sa.Column('documents', sa.JSON(), nullable=False),
        sa.Column('missing_document', sa.Text(), nullable=False),
        sa.Column('lead_seconds', sa.Double(), nullable=True),
        sa.Column('submitted_at', UtcDateTime(), nullable=False),
        sa.Column('updated_at', UtcDateTime(), nullable=False),
        sa.Column('taken_at', UtcDateTime(), nullable=False),
        sa.Column('withdrawn_at', UtcDateTime(), nullable=True),
        sa.Column('lost_at', UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['audit_id'], ['audits.id'], ),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('origin', 'external_id'),
    )
    op.create_index('ix_verdicts_audit_id', 'verdicts', ['audit_id'])
    op.create_index('ix_verdicts_reviewer', 'verdicts', ['reviewer'])
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('correction_id', sa.String(length=32), nullable=True))
        batch_op.create_index('ix_answers_correction_id', ['correction_id'])
    with op.batch_alter_table('feedback', schema=None) as batch_op:
        batch_op.add_column(sa.Column('comment', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('source', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('via', sa.String(length=16), nullable=False, server_default='click'))
        batch_op.add_column(sa.Column('burst', sa.String(length=255), nullable=True))
        batch_op.create_index('ix_feedback_updated_at', ['updated_at'])


def downgrade() -> None:
    with op.batch_alter_table('feedback', schema=None) as batch_op:
        batch_op.drop_index('ix_feedback_updated_at')
        batch_op.drop_column('burst')
        batch_op.drop_column('via')
        batch_op.drop_column('source')
        batch_op.drop_column('comment')
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.drop_index('ix_answers_correction_id')
        batch_op.drop_column('correction_id')
    for table in (
        'verdicts',
        'curated_answers',
        'samples',
        'replaced_answers',
        'corrections',
        'audits',
        'question_vectors',
        'reviewers',
        'receipts',
        'objectives',
        'gap_reports',
        'bookmarks',
        'alarms',
    ):
        op.drop_table(table)
