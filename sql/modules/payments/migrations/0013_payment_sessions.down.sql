DELETE FROM saas.state_transitions WHERE machine = 'payment_session';
DROP TABLE saas.order_numbers;
DROP TABLE saas.payment_method_tokens;
DROP TABLE saas.payment_sessions;
